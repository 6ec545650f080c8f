import type { IndexClient } from '../client/index-client.ts';
import type { Notice } from '../client/notice.ts';
import { explain } from '../messages.ts';
import type { Refusal } from '../proxy/journal.ts';
import type { RunningProxy } from '../proxy/start-proxy.ts';
import { type Finding } from './finding.ts';
import { timeSpan } from './time-span.ts';

const MAX_FINDINGS = 10;

/** Writes what the person at the terminal has to know: quiet when all is well, loud when something was refused. */
export class Reporter {
  readonly #write: (text: string) => void;
  readonly #colour: boolean;

  constructor(write: (text: string) => void, colour: boolean) {
    this.#write = write;
    this.#colour = colour;
  }

  /** Said at once, in the middle of the tool's own output. */
  refusal({ subject, explanation }: Refusal): void {
    const head = this.#paint(31, `holdfast: REFUSED ${subject}`);
    this.#write(`\n${head}\n  ${explanation.sentence}\n  ${explanation.remedy}\n\n`);
  }

  notice(notice: Notice): void {
    switch (notice.kind) {
      case 'offline': {
        const until = notice.timestampExpires.toISOString();
        return this.#warn(`${notice.index} cannot be reached. What was verified before is used, until ${until}.`);
      }
      case 'mirror-problem':
        return this.#warn(`${notice.problem.mirror} was passed over. ${explain(notice.problem.error).sentence}`);
      case 'damage':
        return this.#warn(`a file of the local store was damaged and is fetched again: ${notice.path}`);
      case 'bulletin':
        return this.#warn(`the operators of ${notice.index} say:\n${indented(notice.bulletin.text)}`);
      case 'odd-entry':
        return this.#warn(explain(notice.error).sentence);
    }
  }

  /** Before the tool starts: what the proxy is going to block, and what it cannot look at. */
  findings(findings: readonly Finding[]): void {
    for (const { kind, where, what, value } of findings.slice(0, MAX_FINDINGS)) {
      if (kind === 'blocked')
        this.#warn(`${where}: ${what} ${value} is not a trusted index and will be blocked. Remove it.`);
      else this.#warn(`${where}: ${what} ${value} is taken from this machine and is not verified.`);
    }
    if (findings.length > MAX_FINDINGS) this.#warn(`and ${findings.length - MAX_FINDINGS} more places like these.`);
  }

  unverifiedHosts(hosts: readonly string[]): void {
    if (hosts.length === 0) return;
    this.#write(
      `${this.#paint(31, `holdfast: UNSAFE: nothing from ${hosts.join(', ')} is verified.`)}\n  Whoever controls it, or the network, chooses what runs on this computer.\n`,
    );
  }

  replaced(names: readonly string[]): void {
    if (names.length > 0)
      this.#warn(`${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} not used: the index comes from Holdfast.`);
  }

  /** The closing line. */
  summary(proxy: RunningProxy, clients: readonly IndexClient[], now: Date): void {
    for (const { name, freshness } of clients) {
      const count = proxy.verified.filter(({ file }) => file.voucher.index === name).length;
      if (!freshness || count === 0) continue;
      const left = timeSpan(freshness.timestampExpires.getTime() - now.getTime());
      const files = `${count} ${count === 1 ? 'file' : 'files'}`;
      const from = `timestamp ${freshness.timestampVersion}, valid for ${left}${freshness.offline ? ', offline' : ''}`;
      this.#write(this.#paint(2, `holdfast: verified ${files} from ${name}, ${from}`) + '\n');
    }
    const refused = proxy.refusals.length;
    if (refused === 0) return;
    const list = proxy.refusals
      .map(({ subject }) => subject)
      .slice(0, MAX_FINDINGS)
      .join(', ');
    this.#write(`${this.#paint(31, `holdfast: ${refused} refused: ${list}`)}\n`);
  }

  #warn(text: string): void {
    this.#write(`${this.#paint(33, 'holdfast:')} ${text}\n`);
  }

  #paint(code: number, text: string): string {
    return this.#colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}

const indented = (text: string): string => text.replaceAll(/^/gm, '  ');
