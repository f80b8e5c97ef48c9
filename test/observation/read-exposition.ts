/** A strict reader of Prometheus' text format, as a scraper reads it: whatever is not in the grammar is an error. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const LINE =
  /^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?<labels>.*)\})? (?<value>NaN|[+-]?Inf|-?[0-9.]+(?:e[+-]?[0-9]+)?)$/;
const LABEL = /^(?<label>[a-zA-Z_][a-zA-Z0-9_]*)="(?<text>(?:[^"\\\n]|\\["\\n])*)"(?<rest>,|$)/;
/** What follows the family's name in a sample of it. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: [""],
  gauge: [""],
  histogram: ["_bucket", "_sum", "_count"],
  summary: ["", "_sum", "_count"],
};

/** @throws Error naming the line that is wrong */
export function readExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the text does not end with a line feed");
  const families = new Map<string, { name: string; type: string; help: string; samples: Sample[] }>();
  const seen = new Set<string>();
  let current: { name: string; type: string; help: string; samples: Sample[] } | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    if (line === "") continue;
    const [, kind, name, rest] = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line) ?? [];
    if (kind === "HELP") {
      if (families.has(name!)) throw new Error(`${name} is declared twice`);
      current = { name: name!, type: "", help: rest!, samples: [] };
      families.set(name!, current);
    } else if (kind === "TYPE") {
      if (current?.name !== name || current!.type !== "") throw new Error(`no HELP before: ${line}`);
      if (SUFFIXES[rest!] === undefined) throw new Error(`unknown type: ${line}`);
      current!.type = rest!;
    } else {
      const sample = readSample(line);
      const names = SUFFIXES[current?.type ?? ""]?.map((suffix) => `${current!.name}${suffix}`) ?? [];
      if (!names.includes(sample.name)) throw new Error(`a sample outside of its family: ${line}`);
      const key = `${sample.name}${keyOf(sample.labels)}`;
      if (seen.has(key)) throw new Error(`a series twice: ${line}`);
      seen.add(key);
      current!.samples.push(sample);
    }
  }
  for (const family of families.values()) if (family.type === "histogram") assertCumulative(family);
  return families;
}

function readSample(line: string): Sample {
  const { name, labels: list = "", value } = LINE.exec(line)?.groups ?? {};
  if (name === undefined) throw new Error(`not a sample: ${line}`);
  const labels: Record<string, string> = {};
  for (let rest = list; rest !== "";) {
    const found = LABEL.exec(rest);
    if (found?.groups === undefined) throw new Error(`not labels: ${line}`);
    labels[found.groups["label"]!] = found.groups["text"]!;
    rest = rest.slice(found[0].length);
  }
  const number = value === "+Inf" ? Infinity : value === "-Inf" ? -Infinity : Number(value);
  return { name, labels, value: number };
}

/** Buckets of one series never fall, and the last one is the count. */
function assertCumulative({ name, samples }: Family): void {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _le, ...others } = sample.labels;
    const key = keyOf(others);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const group of groups.values()) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const counts = buckets.map(({ value }) => value);
    if (counts.some((count, i) => i > 0 && count < counts[i - 1]!))
      throw new Error(`${name}: a bucket falls`);
    const total = group.find((sample) => sample.name === `${name}_count`)?.value;
    if (buckets.at(-1)?.labels["le"] !== "+Inf" || counts.at(-1) !== total)
      throw new Error(`${name}: the last bucket is not the count`);
  }
}

/** Equal for equal labels, whatever their order. */
function keyOf(labels: Readonly<Record<string, string>>): string {
  const names = Object.keys(labels).toSorted();
  return JSON.stringify(names.map((name) => [name, labels[name]]));
}
