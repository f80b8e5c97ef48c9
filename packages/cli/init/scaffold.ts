/** The files of a new project, as text. What is written passes `lint` without a finding. */
import { EXAMPLE_CASES } from "./example-cases.ts";

interface ScaffoldOptions {
  readonly useCase: string;
  /** Of the prompt and its eval set. */
  readonly owner: string;
  /** Day on which the cases were added, `2026-11-24`. */
  readonly today: string;
}

/** Path relative to the project, to text. */
export function scaffold(options: ScaffoldOptions): ReadonlyMap<string, string> {
  const { useCase } = options;
  return new Map([
    ["plumbline.config.yaml", configText(options)],
    [`prompts/${useCase}.prompt`, promptText(options)],
    [`evals/${useCase}.jsonl`, evalText(options)],
    ["rubrics/faithfulness.yaml", RUBRIC],
    [`policies/${useCase}.yaml`, policyText(options)],
    [".github/workflows/plumbline.yml", workflowText(options)],
    // Answers of evaluations are cached there.
    [".gitignore", ".plumbline/\n"],
  ]);
}

/** Quoted as JSON, which is YAML too: names may hold anything. */
const quoted = (text: string): string => JSON.stringify(text);

function configText({ owner }: ScaffoldOptions): string {
  return `# Where the registry is, and what the gate asks of every version.
registry:
  url: http://127.0.0.1:4800
environments: [production]
eval_set:
  owner: ${quoted(owner)}
  cadence: 90d # new cases at least this often
gate:
  margin: 0.02 # a fall of the mean score by less is immaterial
`;
}

function promptText({ useCase, owner }: ScaffoldOptions): string {
  return `---
model: openai/gpt-5-mini
config: { temperature: 0.2, max_tokens: 400 }
input: { schema: { ticket: string } }
plumbline.use_case: ${useCase}
plumbline.owner: ${quoted(owner)}
plumbline.eval: evals/${useCase}.jsonl
plumbline.rubrics: [faithfulness]
---
{{role "system"}}
You summarise help-desk tickets in at most 60 words. Keep every amount, date and reference number as it is written.
{{role "user"}}
{{ticket}}
`;
}

function evalText({ today }: ScaffoldOptions): string {
  const lines = EXAMPLE_CASES.map(({ ticket, keeps, slice }, i) =>
    JSON.stringify({
      vars: { ticket },
      assert: keeps.map((value) => ({ type: "icontains", value })),
      metadata: { id: `example-${String(i + 1).padStart(2, "0")}`, slice: [slice], added: today },
    }),
  );
  return `${lines.join("\n")}\n`;
}

const RUBRIC = `name: faithfulness
version: 1
guardrail: true # a proven fall may roll a version back
inputs: [input, output]
method: statements
pass_if: score >= 0.9
criterion: |
  Each statement of the answer follows from the input. Nothing is invented, and amounts, dates and reference numbers
  are those of the input. Length and style are judged elsewhere.
`;

function policyText({ useCase }: ScaffoldOptions): string {
  return `# What happens when the model does not answer in time, or not at all.
use_case: ${useCase}
deadline_ms: 15000 # the whole tree
attempt_timeout_ms: 8000 # one request to the provider
retry: { max: 2 }
on_invalid_output: [retry]
`;
}

function workflowText({ useCase }: ScaffoldOptions): string {
  return `# Lints every change of a prompt, and evaluates it against what is live.
name: plumbline
on:
  pull_request:
    paths: [plumbline.config.yaml, prompts/**, evals/**, rubrics/**, policies/**]
jobs:
  lint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with: { node-version: 22 }
      - run: npm ci
      - run: npx @plumbline/cli lint
  eval:
    needs: lint
    # Forks have no secrets, and evaluating costs money.
    if: github.event.pull_request.head.repo.full_name == github.repository
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with: { node-version: 22 }
      - run: npm ci
      - run: npx @plumbline/cli eval ${useCase} --no-record --markdown eval.md
        env:
          PLUMBLINE_REGISTRY_URL: \${{ vars.PLUMBLINE_REGISTRY_URL }}
          PLUMBLINE_REGISTRY_KEY: \${{ secrets.PLUMBLINE_REGISTRY_KEY }}
          OPENAI_API_KEY: \${{ secrets.OPENAI_API_KEY }}
      - if: always()
        run: if [ -f eval.md ]; then cat eval.md >> "$GITHUB_STEP_SUMMARY"; fi
`;
}
