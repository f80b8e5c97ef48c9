/** The clients of the rollback bench, in processes of their own: one event loop for all would measure itself. */
import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

const PROCESSES = 2;
const ANSWER_MS_MAX = 60_000;
/** Calls of all applications together, a second: more would measure the collector of a small machine. */
const CALLS_PER_SECOND = 2_000;
/** Requests to the collector of all applications together, a second. */
const SENDS_PER_SECOND = 200;

/** Between two calls of an application, ms: at most ten a second. */
export function callMsOf(clients: number): number {
  return Math.max(100, Math.ceil((clients / CALLS_PER_SECOND) * 1_000));
}

/** Between two sends of an application's calls, ms. */
export function sendMsOf(clients: number): number {
  return Math.max(1_000, Math.ceil((clients / SENDS_PER_SECOND) * 1_000));
}

export type ToClients =
  | {
      readonly kind: "start";
      readonly registries: readonly string[];
      readonly collector: string;
      /** Of this process. */
      readonly clients: number;
      readonly callMs: number;
      readonly sendMs: number;
    }
  | { readonly kind: "expect"; readonly version: string }
  | { readonly kind: "stop" };

export type FromClients =
  /** Every application of the process serves what was expected and called with it, since these times, ms. */
  | { readonly kind: "serving"; readonly since: readonly number[] }
  | { readonly kind: "stopped"; readonly emitted: number };

export interface Fleet {
  /** Since when each client has served `version`, ms since the epoch, once the last one has made a call with it. */
  everybodyServes(version: string): Promise<readonly number[]>;
  /** @returns how many calls were emitted; all are acknowledged or given up by then */
  stop(): Promise<number>;
  /** Ends the processes, whatever they do. */
  kill(): void;
}

export function startFleet(given: {
  readonly registries: readonly string[];
  readonly collector: string;
  readonly clients: number;
}): Fleet {
  const path = fileURLToPath(new URL("rollback-clients.ts", import.meta.url));
  const processes = Array.from({ length: PROCESSES }, () => fork(path));
  const share = (i: number): number => Math.floor((given.clients + i) / PROCESSES);
  const pace = { callMs: callMsOf(given.clients), sendMs: sendMsOf(given.clients) };
  for (const [i, each] of processes.entries())
    send(each, { ...given, ...pace, kind: "start", clients: share(i) });

  /** Asks every process the same and waits for all of them. */
  function ask<Kind extends FromClients["kind"]>(message: ToClients, kind: Kind) {
    return Promise.all(
      processes.map((each) => {
        const answer = answerOf(each, kind);
        send(each, message);
        return answer;
      }),
    );
  }

  return {
    everybodyServes: async (version) =>
      (await ask({ kind: "expect", version }, "serving")).flatMap(({ since }) => since),
    stop: async () => (await ask({ kind: "stop" }, "stopped")).reduce((sum, { emitted }) => sum + emitted, 0),
    kill() {
      for (const each of processes) each.kill("SIGKILL");
    },
  };
}

function send(child: ChildProcess, message: ToClients): void {
  child.send(message);
}

function answerOf<Kind extends FromClients["kind"]>(
  child: ChildProcess,
  kind: Kind,
): Promise<Extract<FromClients, { kind: Kind }>> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      child.off("message", receive);
      child.off("exit", died);
    };
    const receive = (message: FromClients): void => {
      if (message.kind !== kind) return;
      end();
      resolve(message as Extract<FromClients, { kind: Kind }>);
    };
    const died = (): void => {
      end();
      reject(new Error("a process of clients died; its messages are above"));
    };
    const timer = setTimeout(() => {
      end();
      reject(new Error(`a process of clients is not ${kind} within ${ANSWER_MS_MAX} ms`));
    }, ANSWER_MS_MAX);
    child.on("message", receive);
    child.once("exit", died);
  });
}
