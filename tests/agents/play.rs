//! A run of the script: the model asks here what to say next, and what came of every call is kept.

use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::Instant;

use crate::model::{Act, Asked};
use crate::script::{Deed, SCRIPT, Step};

/// One run; requests of the program are taken one after the other.
pub(crate) struct Play {
    scene: Mutex<Scene>,
}

/// A deed that is due; the call goes out when the sender is used.
pub(crate) type Cue = (Deed, oneshot::Sender<()>);

struct Scene {
    cues: mpsc::Sender<Cue>,
    taken: Vec<Taken>,
}

/// What became of a step.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    /// Whether its tool was offered to the model.
    pub(crate) is_offered: bool,
    /// Whether one was that should have gone.
    pub(crate) is_stale: bool,
    asked: Instant,
    /// The result that the model was shown, and how long it took.
    pub(crate) came: Option<(String, Duration)>,
}

impl Play {
    /// Whoever has the stage does what comes out here.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Cue>) {
        let (cues, due) = mpsc::channel(1);
        let taken = Vec::new();
        let scene = Mutex::new(Scene { cues, taken });
        (Self { scene }, due)
    }

    pub(crate) async fn taken(&self) -> Vec<Taken> {
        self.scene.lock().await.taken.clone()
    }

    /// What the model says to this.
    pub(crate) async fn next(&self, asked: Asked) -> Act {
        // Programs ask for titles and the like beside.
        if asked.tools.is_empty() {
            return Act::Say("A title".to_owned());
        }
        let came = Instant::now();
        let mut scene = self.scene.lock().await;
        scene.note(&asked, came);
        let number = asked.results.len();
        let Some(step) = SCRIPT.get(number) else {
            return Act::Say("That is all.".to_owned());
        };
        let has = |step: &Step| {
            let mut tools = asked.tools.iter();
            tools.find(|tool| step.is_tool(&tool.name)).cloned()
        };
        let offered = has(step);
        let is_stale = step.is_without.is_some_and(|server| {
            let prefix = format!("{server}__");
            asked.tools.iter().any(|tool| tool.name.contains(&prefix))
        });
        if scene.taken.len() == number {
            scene.perform(step.deed).await;
            scene.taken.push(Taken {
                is_offered: offered.is_some(),
                is_stale,
                asked: Instant::now(),
                came: None,
            });
        }
        // Whom it is not offered calls another tool, so that the conversation goes on.
        match offered.or_else(|| has(&SCRIPT[0])) {
            Some(tool) => Act::Call {
                id: format!("call_{number}"),
                tool,
                arguments: step.arguments(),
            },
            None => Act::Say("There is no tool.".to_owned()),
        }
    }
}

impl Scene {
    fn note(&mut self, asked: &Asked, now: Instant) {
        let last = asked.results.len().checked_sub(1);
        let step = last.and_then(|last| self.taken.get_mut(last));
        if let (Some(step), Some(text)) = (step, asked.results.last())
            && step.came.is_none()
        {
            step.came = Some((text.clone(), now.duration_since(step.asked)));
        }
    }

    async fn perform(&self, deed: Deed) {
        let (go, gone) = oneshot::channel();
        let cued = self.cues.send((deed, go)).await;
        // Nobody is there any more when the test has failed: then it does not matter what is said.
        if cued.is_ok() {
            gone.await.ok();
        }
    }
}
