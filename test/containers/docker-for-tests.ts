/**
 * Whether containers can be started. Without Docker these tests are skipped, and say why; with REQUIRE_DOCKER=1
 * they fail instead.
 */
import { getContainerRuntimeClient } from "testcontainers";

/** @throws Error instead of false when REQUIRE_DOCKER=1 */
export async function dockerForTests(): Promise<boolean> {
  try {
    await getContainerRuntimeClient();
    return true;
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    if (process.env["REQUIRE_DOCKER"] === "1") {
      throw new Error(`REQUIRE_DOCKER=1, but no container can be started: ${problem}`, { cause: error });
    }
    process.stderr.write(
      `\n!!! SKIPPING the tests in containers: ${problem}\n` +
        "!!! Start Docker, or set REQUIRE_DOCKER=1 to fail instead.\n\n",
    );
    return false;
  }
}
