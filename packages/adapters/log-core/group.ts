/** Readers of one topic that share its partitions. Kept in memory: a reader cannot outlive the process. */
import type { Topic } from "@plumbline/schemas";

/** One reader, seen from its group. */
export interface Member {
  /** Called at every change of the group with all the partitions that are the member's now. */
  assign(partitions: readonly number[]): void;
}

export class Group {
  readonly name: string;
  readonly topic: Topic;
  readonly #partitions: readonly number[];
  readonly #members: Member[] = [];
  /** The last work on each partition. */
  readonly #tails = new Map<number, Promise<void>>();
  /** Readers that work on each partition: 0 or 1 for `subscribe`, more when claims overlap it. */
  readonly #holders = new Map<number, number>();

  constructor(name: string, topic: Topic, partitions: number) {
    this.name = name;
    this.topic = topic;
    this.#partitions = Array.from({ length: partitions }, (_, partition) => partition);
  }

  get hasMembers(): boolean {
    return this.#members.length > 0;
  }

  join(member: Member): void {
    this.#members.push(member);
    this.#divide();
  }

  leave(member: Member): void {
    this.#members.splice(this.#members.indexOf(member), 1);
    member.assign([]);
    this.#divide();
  }

  isHeld(partition: number): boolean {
    return (this.#holders.get(partition) ?? 0) > 0;
  }

  hold(partition: number): void {
    this.#holders.set(partition, (this.#holders.get(partition) ?? 0) + 1);
  }

  release(partition: number): void {
    this.#holders.set(partition, (this.#holders.get(partition) ?? 0) - 1);
  }

  /** Begins `work`, which never rejects, when the work before it on the partition is done, so that no two batches overlap. */
  inTurn(partition: number, work: () => Promise<void>): Promise<void> {
    const tail = (this.#tails.get(partition) ?? Promise.resolve()).then(work);
    this.#tails.set(partition, tail);
    return tail;
  }

  #divide(): void {
    for (const [i, member] of this.#members.entries()) {
      member.assign(this.#partitions.filter((partition) => partition % this.#members.length === i));
    }
  }
}
