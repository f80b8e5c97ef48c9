import { createServer, type RequestListener, type Server } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { openHttpClickHouse } from "./http.ts";

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server that behaves as `listener` does, and a client of it. */
async function connect(listener: RequestListener) {
  server = createServer(listener);
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return openHttpClickHouse({ url: `http://user:secret@127.0.0.1:${port}`, requestTimeoutMs: 200 });
}

const block = {
  table: "d.t",
  columns: ["a", "b"],
  format: "JSONCompactEachRow" as const,
  bytes: Buffer.from("[1,2]\n"),
};

describe("what a broken connection means to the writer", () => {
  test("nobody listens: nothing was written", async () => {
    const clickhouse = await connect(() => {});
    server!.close();
    await expect(clickhouse.insert(block)).rejects.toMatchObject({ code: "store_retriable" });
  });

  test.each<{ name: string; listener: RequestListener; code: string }>([
    { name: "no answer in time", listener: () => {}, code: "store_unknown" },
    { name: "a cut connection", listener: (request) => request.socket.destroy(), code: "store_unknown" },
    {
      name: "a proxy's error page",
      listener: (request, response) => {
        request.resume();
        response.writeHead(502).end("<html>bad gateway</html>");
      },
      code: "store_unknown",
    },
    {
      name: "an exception of the server",
      listener: (request, response) => {
        request.resume();
        response.writeHead(500, { "X-ClickHouse-Exception-Code": "252" });
        response.end("Code: 252. DB::Exception: Too many parts (300). (TOO_MANY_PARTS)");
      },
      code: "store_retriable",
    },
    {
      name: "a wrong password",
      listener: (request, response) => {
        request.resume();
        response.writeHead(403, { "X-ClickHouse-Exception-Code": "516" });
        response.end("Code: 516. DB::Exception: user: Authentication failed. (AUTHENTICATION_FAILED)");
      },
      code: "store_config",
    },
  ])("$name: an insert is $code, and so is a query", async ({ listener, code }) => {
    const clickhouse = await connect(listener);
    await expect(clickhouse.insert(block)).rejects.toMatchObject({ code });
    await expect(clickhouse.query("SELECT 1 AS one")).rejects.toMatchObject({ code });
    await clickhouse.close();
  });

  test("settings travel in the statement, and credentials stay out of messages", async () => {
    const seen: string[] = [];
    const clickhouse = await connect((request, response) => {
      seen.push(new URL(request.url ?? "", "http://x").searchParams.get("query") ?? "");
      request.resume();
      response.end();
    });
    await clickhouse.insert(block);
    expect(seen).toEqual([
      "INSERT INTO d.t (a, b)\nSETTINGS max_partitions_per_insert_block = 0, async_insert = 0, " +
        "optimize_on_insert = 0, input_format_parallel_parsing = 0 FORMAT JSONCompactEachRow",
    ]);
    expect(clickhouse.address).not.toContain("secret");
    await clickhouse.close();
  });
});
