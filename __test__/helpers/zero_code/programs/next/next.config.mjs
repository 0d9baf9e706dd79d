// A package that Next.js bundles is out of reach of whatever is preloaded.
export default {
  serverExternalPackages: process.env.SHOP_BUNDLES ? ['offloop'] : ['@opentelemetry/sdk-node', 'offloop'],
  turbopack: { root: import.meta.dirname },
};
