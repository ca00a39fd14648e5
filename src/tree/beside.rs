//! Work that takes longer than a worker may be kept: on large messages even what is linear does.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

use crate::turn;

/// What is done on a worker takes a few milliseconds at the most.
const LARGE: usize = 512 * 1024;

/// Does `work` on so many bytes. While it is done on many, another thread does what else this worker
/// has to do, its share of the runtime's input and output included.
pub(crate) fn beside<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let is_many = |handle: Handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread;
    if bytes > LARGE && Handle::try_current().is_ok_and(is_many) {
        block_in_place(|| turn::aside(work))
    } else {
        work()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// Whether the only other task runs while this one works on so many bytes.
    async fn others_go_on(bytes: usize) -> bool {
        let (tell, told) = mpsc::channel();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async move {
            let mut other = tokio::task::JoinSet::new();
            other.spawn(async move { tell.send(()) });
            beside(bytes, || told.recv_timeout(Duration::from_secs(1)).is_ok())
        });
        tasks.join_next().await.unwrap().unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn large_work_does_not_keep_the_worker() {
        assert!(others_go_on(LARGE + 1).await);
        assert!(!others_go_on(LARGE).await);
    }

    #[tokio::test]
    async fn a_runtime_of_one_thread_does_it_itself() {
        assert_eq!(beside(LARGE + 1, || 7), 7);
    }
}
