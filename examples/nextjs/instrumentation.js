// Next.js calls this once, before the first request; it also loads the file for its edge runtime, which has no addons.
export async function register() {
  if (process.env.NEXT_RUNTIME === 'nodejs') await import('./tracing.js');
}
