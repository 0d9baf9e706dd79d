// Next.js calls this once, before the first request; it also loads the file for its edge runtime.
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return;
  await import('./tracing');
  if (process.env.SHOP_REGISTERS_LATE) await import('offloop/register');
}
