//! Which servers are one: what runs is the same when variables are filled in, and so is what is shown. An
//! entry of a configuration of ours may show less by now, or be switched off, than the file that it was
//! made of says: it is that server still.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::super::secrets::filled_in;
use super::super::server::Server;
use super::super::{Hiding, Plan};
use super::env_file::EnvFile;

/// The fields that are not about what runs.
const SHOWN: [&str; 4] = ["enabled", "tools", "prompts", "resources"];

/// The servers so far, by what they may be called and by what is in them.
#[derive(Default)]
pub(super) struct Same<'p> {
    variables: Option<&'p BTreeMap<String, String>>,
    file: Option<EnvFile<'p>>,
    places: HashMap<(String, String), usize>,
}

impl<'p> Same<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        let file = match &plan.hiding {
            Hiding::InFile(path) => Some(EnvFile::of(path, plan.folder.as_deref())),
            Hiding::No | Hiding::ByVariables => None,
        };
        Self {
            variables: Some(&plan.variables),
            file,
            places: HashMap::new(),
        }
    }

    /// Where the server is that `server` is, called `name` or that with a number.
    pub(super) fn find(&self, name: &str, server: &Server) -> Option<usize> {
        let fields = text(&self.fields(server));
        self.places.get(&(name.to_owned(), fields)).copied()
    }

    /// Takes down a server; it `is_ours` in a configuration of ours.
    pub(super) fn add(&mut self, server: &Server, place: usize, is_ours: bool) {
        let mut fields = self.fields(server);
        let mut all = vec![text(&fields)];
        if is_ours {
            fields.retain(|name, _| !SHOWN.contains(&&**name));
            all.push(text(&fields));
        }
        let stem = server
            .name
            .rsplit_once('-')
            .filter(|(_, number)| !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()));
        let names = [Some(&*server.name), stem.map(|(stem, _)| stem)];
        for name in names.into_iter().flatten() {
            for fields in &all {
                let key = (name.to_owned(), fields.clone());
                self.places.entry(key).or_insert(place);
            }
        }
    }

    /// What is compared.
    fn fields(&self, server: &Server) -> BTreeMap<String, Value> {
        let mut server = server.clone();
        server.name.clear();
        if let Some(variables) = self.variables {
            let texts = server.args.iter_mut().chain(server.env.values_mut());
            let texts = texts
                .chain(server.headers.values_mut())
                .chain(&mut server.url);
            for text in texts.chain(&mut server.cwd).chain([&mut server.command]) {
                *text = filled_in(text, variables);
            }
        }
        let file = server.ours.get("env_file");
        if let (Some(named), Some(file)) = (file, &self.file)
            && file.is_it(named)
        {
            server.ours.remove("env_file");
        }
        let fields = serde_json::to_value(server).unwrap_or_default();
        let Value::Object(fields) = fields else {
            return BTreeMap::new();
        };
        fields.into_iter().collect()
    }
}

fn text(fields: &BTreeMap<String, Value>) -> String {
    serde_json::to_string(fields).unwrap_or_default()
}
