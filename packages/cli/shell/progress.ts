import type { Output } from "./command.ts";

const BAR = 30;
/** Redrawing more often than this is for nobody's eyes. */
const DRAW_MS = 100;

/**
 * Shows how far a long command is: a bar on a terminal, else one line per 10%.
 *
 * @param label describes the state in words, at most a few
 */
export function createProgress(output: Output, now: () => number) {
  let drawnAt = -Infinity;
  let tenths = 0;
  return {
    update(done: number, total: number, label: string): void {
      const share = total === 0 ? 1 : done / total;
      if (output.isTTY === true) {
        if (now() - drawnAt < DRAW_MS && done < total) return;
        drawnAt = now();
        const filled = Math.round(share * BAR);
        const bar = "█".repeat(filled) + "░".repeat(BAR - filled);
        const line = `${bar} ${String(Math.floor(share * 100)).padStart(3)}%  ${label}`;
        output.write(`\r\u001b[2K${line.slice(0, (output.columns ?? 80) - 1)}`);
        return;
      }
      const reached = Math.floor(share * 10);
      if (reached <= tenths) return;
      tenths = reached;
      output.write(`${reached * 10}%  ${label}\n`);
    },
    /** Leaves an empty line for what comes. */
    end(): void {
      if (output.isTTY === true) output.write("\r\u001b[2K");
    },
  };
}
