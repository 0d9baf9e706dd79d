// The native addon is found by its place in node_modules: Next.js must not bundle it.
export default { serverExternalPackages: ['offloop', '@opentelemetry/sdk-node'] };
