//! Random faults on loopback against the whole pipeline with the real HTTP sink.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may fail by panicking and print what it hit"
)]

#[path = "support/pki.rs"]
mod pki;
#[path = "support/raw_server.rs"]
mod raw_server;
mod support;
#[path = "support/weather.rs"]
mod weather;
#[path = "support/weather_server.rs"]
mod weather_server;

#[test]
fn r14_r48_r69_every_promise_is_settled_and_nothing_is_left_in_any_weather() {
    weather::run_all::<weather_server::Endpoint>("weather", 60);
}
