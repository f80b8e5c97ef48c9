import { untilAborted } from "../until-aborted.ts";
import type { Logger } from "../logger.ts";
import type { Service } from "../run.ts";
import { listen, type Listening, type ListenOptions } from "./listen.ts";
import type { HttpApp, Route } from "./route.ts";

export interface HttpService extends Service {
  /** Resolves once the service listens; rejects when it could not. */
  readonly url: Promise<string>;
  /** What it answers, with the scope that each route needs. */
  readonly routes: readonly Route[];
}

/** A service that serves `app` until it is stopped, and then lets the requests in flight finish. */
export function createHttpService(
  app: HttpApp,
  options: ListenOptions & { readonly name: string; readonly logger: Logger; readonly drainMs?: number },
): HttpService {
  const { promise: url, resolve, reject } = withResolvers<string>();
  // Nobody has to look at `url`: the same failure rejects `run`.
  url.catch(() => undefined);
  return {
    name: options.name,
    url,
    routes: app.routes ?? [],
    run: async (signal) => {
      let listening: Listening;
      try {
        listening = await listen(app, options);
      } catch (error) {
        reject(error);
        throw error;
      }
      options.logger.info({ url: listening.url }, `${options.name}.listening`);
      resolve(listening.url);
      await untilAborted(signal);
      await listening.close(options.drainMs);
    },
  };
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
