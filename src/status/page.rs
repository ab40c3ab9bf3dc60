//! The pages of the status service: `/` for load balancers, `/status.json` for programs.

use std::sync::{Arc, Mutex};

use hyper::StatusCode;
use tokio::net::TcpListener;

use super::board::Board;
use super::lock;
use crate::web::{self, Answer};

/// Answers until it is dropped.
pub(super) async fn serve(listener: TcpListener, board: Arc<Mutex<Board>>) {
    let answer = move |request: hyper::Request<hyper::body::Incoming>| {
        let answer = answer(request.uri().path(), &lock(&board));
        async move { answer }
    };
    web::serve(listener, answer).await;
}

fn answer(path: &str, board: &Board) -> Answer {
    let well = if board.is_well() { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
    match path {
        "/" => web::answer(well, "text/plain", if well.is_success() { "OK" } else { "Fail" }),
        "/status.json" => web::answer(well, "application/json", board.to_json().to_string()),
        _ => web::answer(StatusCode::NOT_FOUND, "text/plain", "not found\n"),
    }
}
