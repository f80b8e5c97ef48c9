import { AsyncLocalStorage } from "node:async_hooks";
import type { CallContext, ContextStore } from "../wrap/call-context.ts";

/** One for all clients of a process: every further one would cost every promise of it something. */
const storage = new AsyncLocalStorage<{ readonly owner: object; readonly context: CallContext }>();

/** Node's own way to carry a context, which Bun and Deno share. What one client carries is nothing to another. */
export function createNodeContext(): ContextStore {
  const owner = {};
  return {
    current: () => {
      const carried = storage.getStore();
      return carried?.owner === owner ? carried.context : undefined;
    },
    run: (context, work) => storage.run({ owner, context }, work),
  };
}
