/**
 * Names in ascending order (of UTF-16 units), kept as where they stand in a text: a hundred thousand strings in a hash table would take
 * most of the time and of the memory of reading a file.
 */
export class SortedNames {
  private readonly text: string;
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];

  constructor(text: string) {
    this.text = text;
  }

  get size(): number {
    return this.starts.length;
  }

  /** Takes the next name; false, and nothing is taken, when it is not above the one before. */
  add(start: number, end: number): boolean {
    const last = this.size - 1;
    if (last >= 0 && !this.isAbove(last, start, end)) return false;
    this.starts.push(start);
    this.ends.push(end);
    return true;
  }

  at(index: number): string {
    return this.text.slice(this.starts[index], this.ends[index]);
  }

  /** The index of a name, or -1; O(log n). */
  find(name: string): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle) < name) low = middle + 1;
      else high = middle;
    }
    return low < this.size && this.at(low) === name ? low : -1;
  }

  private isAbove(index: number, start: number, end: number): boolean {
    const { text } = this;
    const other = this.starts[index] ?? 0;
    const otherLength = (this.ends[index] ?? 0) - other;
    const length = end - start;
    const common = Math.min(length, otherLength);
    for (let at = 0; at < common; at++) {
      const difference = text.charCodeAt(start + at) - text.charCodeAt(other + at);
      if (difference !== 0) return difference > 0;
    }
    return length > otherLength;
  }
}
