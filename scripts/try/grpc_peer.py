# A collector on loopback that is a server of grpcio, for scripts/try/grpc_peers.mjs. Arguments: how it is secured, and for
# TLS the directory of ca.pem, server.pem and server.key. It prints its port, and then a line of JSON for each request, decoded
# by the classes of opentelemetry-proto, in the form of __test__/helpers/otlp_decoder.js. It ends with its standard input.

import json
import os
import struct
import sys
from concurrent import futures

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc


def value(any_value):
    kind = any_value.WhichOneof("value")
    if kind is None:
        return ["empty"]
    plain = getattr(any_value, kind)
    if kind == "int_value":
        return ["int", str(plain)]
    if kind == "double_value":  # JSON has no word for some of them
        return ["double", struct.pack(">d", plain).hex()]
    if kind == "bytes_value":
        return ["bytes", plain.hex()]
    if kind == "array_value":
        return ["array", [value(each) for each in plain.values]]
    if kind == "kvlist_value":
        return ["kvlist", pairs(plain.values)]
    return [kind.removesuffix("_value"), plain]


def pairs(attributes):
    return [[each.key, value(each.value)] for each in attributes]


def event(each):
    return {
        "time": str(each.time_unix_nano),
        "name": each.name,
        "attributes": pairs(each.attributes),
        "dropped": each.dropped_attributes_count,
    }


def link(each):
    return {
        "traceId": each.trace_id.hex(),
        "spanId": each.span_id.hex(),
        "traceState": each.trace_state,
        "attributes": pairs(each.attributes),
        "dropped": each.dropped_attributes_count,
        "flags": each.flags,
    }


def span(each):
    return {
        "traceId": each.trace_id.hex(),
        "spanId": each.span_id.hex(),
        "traceState": each.trace_state,
        "parentSpanId": each.parent_span_id.hex(),
        "name": each.name,
        "kind": each.kind,
        "start": str(each.start_time_unix_nano),
        "end": str(each.end_time_unix_nano),
        "attributes": pairs(each.attributes),
        "droppedAttributes": each.dropped_attributes_count,
        "events": [event(one) for one in each.events],
        "droppedEvents": each.dropped_events_count,
        "links": [link(one) for one in each.links],
        "droppedLinks": each.dropped_links_count,
        "status": {"code": each.status.code, "message": each.status.message},
        "flags": each.flags,
    }


def scope_spans(each):
    scope = each.scope
    return {
        "scope": {
            "name": scope.name,
            "version": scope.version,
            "attributes": pairs(scope.attributes),
            "dropped": scope.dropped_attributes_count,
        },
        "schemaUrl": each.schema_url,
        "spans": [span(one) for one in each.spans],
    }


def resource_spans(each):
    resource = each.resource
    return {
        "resource": {"attributes": pairs(resource.attributes), "dropped": resource.dropped_attributes_count},
        "schemaUrl": each.schema_url,
        "scopes": [scope_spans(one) for one in each.scope_spans],
    }


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Traces(trace_service_pb2_grpc.TraceServiceServicer):
    def Export(self, request, context):
        client = context.auth_context().get("x509_common_name", [b""])[0].decode()
        say(json.dumps({"client": client, "request": [resource_spans(each) for each in request.resource_spans]}))
        return trace_service_pb2.ExportTraceServiceResponse()


def credentials(security, directory):
    def read(name):
        with open(os.path.join(directory, name), "rb") as file:
            return file.read()

    pair = (read("server.key"), read("server.pem"))
    is_mutual = security == "mTLS"
    return grpc.ssl_server_credentials([pair], read("ca.pem") if is_mutual else None, is_mutual)


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Traces(), server)
    security = sys.argv[1]
    if security == "plain":
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials(security, sys.argv[2]))
    server.start()
    say(str(port))
    sys.stdin.read()
    server.stop(None)


main()
