/**
 * The Kafka that tests run against: `KAFKA_BROKERS` when set, else a broker of their own, else none. Without one
 * the tests are skipped, and say why; with REQUIRE_KAFKA=1 they fail instead.
 */
import { ensureTopics } from "@plumbline/adapters/kafka/topics";
import { javaProblem, resolveJars, startBroker, type Broker } from "../../infra/kafka/broker.ts";

export interface BrokerForTests {
  readonly brokers: readonly string[];
  /** The tests' own broker, which they may kill; null when it belongs to somebody else. */
  readonly own: Broker | null;
  /** Ends the broker if it is the tests' own. */
  stop(): Promise<void>;
}

/**
 * A Kafka with all topics, or null when there can be none here.
 *
 * @throws Error instead of null when REQUIRE_KAFKA=1
 */
export async function brokerForTests(): Promise<BrokerForTests | null> {
  const given = process.env["KAFKA_BROKERS"];
  if (given !== undefined && given !== "") {
    const brokers = given.split(",");
    await ensureTopics(brokers);
    return { brokers, own: null, stop: async () => undefined };
  }
  if ((await brokerProblem()) !== null) return null;
  const own = await startBroker();
  await ensureTopics(own.brokers);
  return { brokers: own.brokers, own, stop: () => own.stop() };
}

/**
 * Why no broker of one's own can run here, said loudly; null when one can.
 *
 * @throws Error instead when REQUIRE_KAFKA=1
 */
export async function brokerProblem(): Promise<string | null> {
  const problem = (await javaProblem()) ?? (await jarsProblem());
  if (problem !== null) sayLoudly(problem);
  return problem;
}

async function jarsProblem(): Promise<string | null> {
  try {
    await resolveJars();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function sayLoudly(problem: string): void {
  if (process.env["REQUIRE_KAFKA"] === "1")
    throw new Error(`REQUIRE_KAFKA=1, but there is no Kafka: ${problem}`);
  process.stderr.write(
    `\n!!! SKIPPING the tests against Kafka: ${problem}\n` +
      "!!! Set KAFKA_BROKERS=host:port to use a broker that runs, or REQUIRE_KAFKA=1 to fail instead.\n\n",
  );
}
