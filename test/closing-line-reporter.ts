import { relative } from "node:path";
import type { Reporter, TestModule } from "vitest/node";

/**
 * Says which file is being tested, for a run of minutes is silent otherwise, and ends it with one plain line,
 * `N passed, N failed, N skipped`, for people and for CI to read.
 */
export default class ClosingLineReporter implements Reporter {
  onTestModuleStart(module: TestModule): void {
    process.stdout.write(` … ${relative(process.cwd(), module.moduleId)}\n`);
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      // A module that failed to load has no tests to count, and is a failure all the same.
      if (module.errors().length > 0) count.failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state !== "pending") count[state] += 1;
      }
    }
    process.stdout.write(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
  }
}
