//! What a container has printed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{BufMut as _, Bytes, BytesMut};
use jiff::Timestamp;
use tokio::sync::Notify;

/// A piece of output.
#[derive(Debug, Clone)]
pub(super) struct Printed {
    pub(super) at: Timestamp,
    pub(super) stderr: bool,
    pub(super) text: Bytes,
}

/// What a container has printed, and whether it goes on.
#[derive(Debug, Default)]
pub(super) struct ContainerLog {
    inner: Mutex<Inner>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    printed: Vec<Printed>,
    ended: bool,
}

impl ContainerLog {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The container prints.
    pub(super) fn print(&self, at: Timestamp, stderr: bool, text: impl Into<Bytes>) {
        self.inner().printed.push(Printed { at, stderr, text: text.into() });
        self.more.notify_waiters();
    }

    /// The container prints no more.
    pub(super) fn end(&self) {
        self.inner().ended = true;
        self.more.notify_waiters();
    }

    /// What was printed from `from` on. If there is nothing yet, waits for it; absent at the end.
    pub(super) async fn next(&self, from: usize) -> Option<Vec<Printed>> {
        loop {
            let more = self.more.notified();
            let mut more = std::pin::pin!(more);
            more.as_mut().enable();
            let (rest, ended) = self.rest(from);
            if !rest.is_empty() {
                return Some(rest);
            }
            if ended {
                return None;
            }
            more.await;
        }
    }

    /// What was printed from `from` on until now, and whether that is all.
    pub(super) fn rest(&self, from: usize) -> (Vec<Printed>, bool) {
        let inner = self.inner();
        (inner.printed.get(from..).unwrap_or_default().to_vec(), inner.ended)
    }
}

impl Printed {
    /// The piece as the engine sends it: a header with stream and length, then the text, with its time
    /// if that is asked for (moby `pkg/stdcopy`).
    pub(super) fn frame(&self, timestamps: bool, details: &str) -> Bytes {
        let mut text = BytesMut::new();
        if timestamps {
            text.put(format!("{:.9} ", self.at).as_bytes());
        }
        text.put(details.as_bytes());
        text.put(self.text.as_ref());
        let mut frame = BytesMut::with_capacity(text.len() + 8);
        frame.put_u8(if self.stderr { 2 } else { 1 });
        frame.put_bytes(0, 3);
        frame.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
        frame.put(text);
        frame.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_log_can_be_followed_to_its_end() {
        let log = ContainerLog::default();
        log.print(Timestamp::UNIX_EPOCH, false, "a\n");
        assert_eq!(log.next(0).await.unwrap().len(), 1);
        log.print(Timestamp::UNIX_EPOCH, true, "b\n");
        log.end();
        let rest = log.next(1).await.unwrap();
        assert_eq!(&rest[0].frame(false, "")[..], b"\x02\0\0\0\0\0\0\x02b\n");
        assert!(log.next(2).await.is_none());
    }
}
