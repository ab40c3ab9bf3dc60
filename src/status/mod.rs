//! One answer for many services: each is asked now and then, and one page says 200 `OK` or 500
//! `Fail`, for a load balancer or a monitor in front.

mod ask;
mod board;
mod page;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use ask::Target;
pub use board::{Answer, Board};

use crate::engine::Engine;
use crate::error::Result;

/// What is watched, and how often.
#[derive(Debug)]
pub struct Watch {
    /// Pages.
    pub pages: Vec<Target>,
    /// The services of a stack, whichever there are at the time.
    pub stack: Option<WatchedStack>,
    /// The time between two rounds.
    pub interval: Duration,
    /// The longest wait for one answer.
    pub timeout: Duration,
}

/// A stack whose services are watched.
#[derive(Debug)]
pub struct WatchedStack {
    /// The engine that knows them.
    pub engine: Engine,
    /// Its name.
    pub name: String,
    /// Where published ports are reached.
    pub published_host: String,
}

impl Watch {
    /// Asks everything once.
    ///
    /// # Errors
    /// When the engine does not list the stack's services, or no HTTP client can be made.
    pub async fn once(&self) -> Result<Board> {
        let board = Mutex::new(Board::new(self.interval));
        let mut questions = Questions::new(self.timeout)?;
        self.begin_round(&board, &mut questions, &|_, _| {}).await?;
        while let Some((name, answer)) = questions.next().await {
            lock(&board).set(&name, answer);
        }
        Ok(board.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks everything again and again, and answers on `listener`, until it is dropped. `tell` gets
    /// every answer, and the name of who gave it.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub async fn serve(
        &self,
        listener: TcpListener,
        tell: &(dyn Fn(&str, &Answer) + Send + Sync),
    ) -> Result<()> {
        let board = Arc::new(Mutex::new(Board::new(self.interval)));
        for page in &self.pages {
            lock(&board).expect(&page.name);
        }
        let mut questions = Questions::new(self.timeout)?;
        let served = page::serve(listener, Arc::clone(&board));
        let asked = async {
            let mut rounds = tokio::time::interval(self.interval);
            loop {
                tokio::select! {
                    _ = rounds.tick() => {
                        // Without the engine nothing is news: the answers grow stale.
                        let begun = self.begin_round(&board, &mut questions, tell).await;
                        if let Err(error) = begun {
                            tell("engine", &Answer::None(error.to_string()));
                        }
                    }
                    Some((name, answer)) = questions.next() => {
                        tell(&name, &answer);
                        lock(&board).set(&name, answer);
                    }
                }
            }
        };
        tokio::select! {
            () = served => Ok(()),
            () = asked => Ok(()),
        }
    }

    /// Asks every page that has answered its last question, so that one that hangs delays no other;
    /// and notes how the stack's other services are.
    async fn begin_round(
        &self,
        board: &Mutex<Board>,
        questions: &mut Questions,
        tell: &(dyn Fn(&str, &Answer) + Send + Sync),
    ) -> Result<()> {
        let mut targets = self.pages.clone();
        let mut states = Vec::new();
        // Those that were named are asked, whatever becomes of the stack.
        let listed = match &self.stack {
            Some(stack) => ask::services(stack).await.map(|(pages, services)| {
                targets.extend(pages);
                states = services;
            }),
            None => Ok(()),
        };
        if listed.is_ok() {
            let pages = targets.iter().map(|target| target.name.as_str());
            lock(board).keep(&pages.chain(states.iter().map(|(name, _)| name.as_str())).collect());
        }
        for (name, answer) in states {
            tell(&name, &answer);
            lock(board).set(&name, answer);
        }
        for target in targets {
            questions.ask(target);
        }
        listed
    }
}

/// Questions that have no answer yet, at most one for each target.
struct Questions {
    client: reqwest::Client,
    open: BTreeSet<String>,
    asking: JoinSet<(String, Answer)>,
}

impl Questions {
    fn new(timeout: Duration) -> Result<Self> {
        let client = ask::client(timeout)?;
        Ok(Self { client, open: BTreeSet::new(), asking: JoinSet::new() })
    }

    fn ask(&mut self, target: Target) {
        if self.open.insert(target.name.clone()) {
            let client = self.client.clone();
            self.asking.spawn(async move {
                let answer = ask::page(&client, &target.url).await;
                (target.name, answer)
            });
        }
    }

    /// The next answer; none if no question is open.
    async fn next(&mut self) -> Option<(String, Answer)> {
        // A task here neither panics nor is aborted.
        let (name, answer) = self.asking.join_next().await?.ok()?;
        self.open.remove(&name);
        Some((name, answer))
    }
}

/// A board is whole even if a thread ended while it held it: every change is one step.
fn lock(board: &Mutex<Board>) -> std::sync::MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}
