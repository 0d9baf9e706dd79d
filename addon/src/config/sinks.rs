//! Where a lane sends: its sink, and what that is configured with.

use std::{sync::Arc, time::Duration};

use napi::bindgen_prelude::{Result, Uint8Array};
use offloop::{
    recorder::{ApiConfig, ApiSink},
    sink::{
        ContentEncoding, Sink,
        file::{FileConfig, FileSink},
        grpc::{GrpcConfig, GrpcSink, Pings},
        http::{HttpConfig, HttpSink},
        net::{Doubt, Proxy, ResultOrder, Roots, TlsConfig},
        trace_files::{TraceFilesConfig, TraceFilesSink},
    },
};

use super::{JsTls, LaneConfig, Shared, count, invalid};
use crate::{convert::duration, moving_sink::MovingSink, node_sink::NodeSink};

/// What sends without JavaScript.
pub(super) enum Native {
    Http(HttpConfig),
    Grpc(GrpcConfig),
}

pub(super) fn native(config: &mut LaneConfig, doubt: &Doubt) -> Option<Native> {
    match config.sink.as_str() {
        "http" => Some(Native::Http(http(config, doubt.clone()))),
        "drift_api" if config.url.is_some() => Some(Native::Http(http(config, doubt.clone()))),
        "grpc" => Some(Native::Grpc(grpc(config, doubt.clone()))),
        _ => None,
    }
}

pub(super) fn sink(
    config: &LaneConfig,
    native: Option<Native>,
    shared: &Shared,
) -> Result<Arc<dyn Sink>> {
    let native: Option<Arc<dyn Sink>> = match native {
        Some(Native::Http(http)) => Some(HttpSink::new(http).map_err(invalid)?),
        Some(Native::Grpc(grpc)) => Some(GrpcSink::new(grpc).map_err(invalid)?),
        None => None,
    };
    let directory = config.directory.clone().unwrap_or_default();
    let node = NodeSink {
        lane: config.number,
        mailbox: Arc::clone(&shared.mailbox),
        proxy: proxy(config),
    };
    Ok(match (config.sink.as_str(), native) {
        ("trace_files", _) => TraceFilesSink::new(TraceFilesConfig::new(directory)),
        ("file", _) => {
            let mut file = FileConfig::new(directory);
            file.max_files = config.max_files.map_or(file.max_files, |files| count(files) as usize);
            file.max_file_bytes =
                config.max_file_bytes.map_or(file.max_file_bytes, |bytes| bytes as u64);
            // Not `duration`, which ends at a day.
            file.max_age = config.max_age_millis.map(|millis| Duration::from_millis(millis as u64));
            file.encoding = match config.compression.as_str() {
                "gzip" => ContentEncoding::Gzip,
                "zstd" => ContentEncoding::Zstd,
                _ => ContentEncoding::Identity,
            };
            FileSink::new(file)
        }
        ("drift_api", native) => {
            let inner: Arc<dyn Sink> = match native {
                Some(native) => native,
                None => Arc::new(node),
            };
            ApiSink::new(api(config), inner, Arc::clone(&shared.timeouts))
        }
        (protocol @ ("http" | "grpc"), Some(native)) if config.may_move_to_node == Some(true) => {
            let module = if protocol == "grpc" { "http2" } else { "https" };
            Arc::new(MovingSink::new(native, node, config.endpoint.clone(), module))
        }
        ("http" | "grpc", Some(native)) => native,
        _ => Arc::new(node),
    })
}

fn api(config: &LaneConfig) -> ApiConfig {
    let attempt_timeout = duration(config.attempt_timeout_millis.unwrap_or_default());
    ApiConfig {
        attempt_timeout: attempt_timeout.max(Duration::from_millis(1)),
        max_attempts: config.api_attempts.unwrap_or(3),
        hears_retry_after: config.honor_retry_after.unwrap_or_default(),
    }
}

fn http(config: &mut LaneConfig, doubt: Doubt) -> HttpConfig {
    let text = Option::unwrap_or_default;
    let mut http = HttpConfig::new(
        text(config.url.take()),
        text(config.content_type.take()),
        text(config.user_agent.take()),
    );
    http.headers = config.headers.take().unwrap_or_default();
    http.unix_socket = config.socket_path.take().map(Into::into);
    http.proxy = proxy(config);
    http.result_order = result_order(config);
    http.next_address_after = config.next_address_millis.map(duration);
    http.keep_alive = config.keep_alive.unwrap_or(http.keep_alive);
    http.max_idle_connections =
        config.max_idle_sockets.map_or(http.max_idle_connections, |max| count(max) as usize);
    http.tls = TlsConfig { doubt, ..config.tls.take().map(tls).unwrap_or_default() };
    http
}

fn proxy(config: &LaneConfig) -> Option<Proxy> {
    Proxy::of_url(config.proxy_url.as_deref()?, config.proxy_authorization.clone())
}

fn grpc(config: &mut LaneConfig, doubt: Doubt) -> GrpcConfig {
    let text = Option::unwrap_or_default;
    let mut grpc = GrpcConfig::new(text(config.url.take()), text(config.user_agent.take()));
    grpc.authority = config.authority.take();
    grpc.metadata = config.headers.take().unwrap_or_default();
    grpc.unix_socket = config.socket_path.take().map(Into::into);
    grpc.proxy = proxy(config);
    grpc.result_order = result_order(config);
    grpc.next_address_after = config.next_address_millis.map(duration);
    grpc.max_receive_bytes = config
        .max_receive_message_bytes
        .map_or(grpc.max_receive_bytes, |bytes| count(bytes) as usize);
    grpc.pings = config.keep_alive_ping_millis.map(|interval| Pings {
        interval: duration(interval),
        timeout: config.keep_alive_ping_timeout_millis.map_or(Pings::TIMEOUT, duration),
    });
    grpc.tls = TlsConfig { doubt, ..config.tls.take().map(tls).unwrap_or_default() };
    grpc
}

fn result_order(config: &LaneConfig) -> ResultOrder {
    match config.result_order.as_deref() {
        Some("ipv4first") => ResultOrder::Ipv4First,
        Some("ipv6first") => ResultOrder::Ipv6First,
        _ => ResultOrder::Verbatim,
    }
}

fn tls(tls: JsTls) -> TlsConfig {
    let bytes = |pem: Option<Uint8Array>| pem.map(|pem| pem.to_vec());
    TlsConfig {
        roots: Roots::of_pem(tls.roots.to_vec()),
        client_certificate: bytes(tls.cert),
        client_key: bytes(tls.key),
        reject_unauthorized: tls.reject_unauthorized,
        servername: tls.servername,
        system_ca_hint: tls.system_ca_hint,
        doubt: Doubt::default(),
    }
}
