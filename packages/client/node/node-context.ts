import { AsyncLocalStorage } from "node:async_hooks";
import type { CallContext, ContextStore } from "../wrap/call-context.ts";

/** Node's own way to carry a context, which Bun and Deno share. */
export function createNodeContext(): ContextStore {
  const storage = new AsyncLocalStorage<CallContext>();
  return {
    current: () => storage.getStore(),
    run: (context, work) => storage.run(context, work),
  };
}
