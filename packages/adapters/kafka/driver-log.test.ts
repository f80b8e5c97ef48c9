import { expect, test } from "vitest";
import { brokersAnswer, brokersAway, driverLog, type KafkaLogger } from "./driver-log.ts";

const ERROR = 1;

function recorded() {
  const lines: unknown[] = [];
  const logger: KafkaLogger = {
    debug: () => undefined,
    info: (fields, message) => lines.push([message, fields]),
    warn: (fields, message) => lines.push([message, fields]),
  };
  return { lines, logger };
}

test("a broker that is away is one line for all connections and attempts, and one more when it is back", () => {
  const { lines, logger } = recorded();
  let now = 0;
  const clients = [1, 2, 3].map(() => driverLog(logger, () => now));
  for (; now < 120_000; now += 1_000) {
    for (const write of clients) {
      for (const broker of ["a:9092", "b:9092"]) {
        const detail = `Connection error: connect ECONNREFUSED ${broker}`;
        write({ namespace: "Connection", level: ERROR, log: { message: detail, broker, clientId: "x" } });
        const seed = `Failed to connect to seed broker, trying another broker from the list: ${detail}`;
        write({ namespace: "BrokerPool", level: ERROR, log: { message: seed, retryCount: now } });
      }
    }
    brokersAnswer(logger, now);
  }
  expect(lines).toEqual([
    ["kafka.broker_away", { broker: "a:9092", detail: "Connection error: connect ECONNREFUSED a:9092" }],
    ["kafka.broker_away", { broker: "b:9092", detail: "Connection error: connect ECONNREFUSED b:9092" }],
  ]);
  expect(brokersAway(logger)).toEqual(["a:9092", "b:9092"]);

  brokersAnswer(logger, now + 30_000);
  expect(lines.slice(2)).toEqual([
    ["kafka.broker_back", { broker: "a:9092" }],
    ["kafka.broker_back", { broker: "b:9092" }],
  ]);
  expect(brokersAway(logger)).toEqual([]);
  // It goes away again: that is news.
  clients[0]!({
    namespace: "Connection",
    level: ERROR,
    log: { message: "Connection timeout", broker: "a:9092" },
  });
  expect(lines).toHaveLength(5);
});

test("another trouble is told although brokers are away", () => {
  const { lines, logger } = recorded();
  const write = driverLog(logger, () => 0);
  write({ namespace: "Connection", level: ERROR, log: { message: "Connection timeout", broker: "a:9092" } });
  write({ namespace: "Consumer", level: ERROR, log: { message: "Crash: something else", groupId: "g" } });
  write({ namespace: "Consumer", level: ERROR, log: { message: "Crash: something else", groupId: "h" } });
  expect(lines).toHaveLength(2);
});
