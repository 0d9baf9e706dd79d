//! Random faults on loopback against the whole pipeline with the real gRPC sink.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may fail by panicking and print what it hit"
)]

#[path = "support/grpc_weather_server.rs"]
mod grpc_weather_server;
#[path = "support/h2_peer.rs"]
mod h2_peer;
#[path = "support/pki.rs"]
mod pki;
#[path = "support/raw_server.rs"]
mod raw_server;
mod support;
#[path = "support/weather.rs"]
mod weather;

#[test]
fn every_promise_is_settled_and_nothing_is_left_in_any_weather_of_grpc() {
    weather::run_all::<grpc_weather_server::Endpoint>("grpc_weather", 200);
}
