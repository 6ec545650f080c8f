import { inspect } from 'node:util';
import { Coverage } from './coverage.ts';
import { addToCorpus, minimizeCorpus, readCorpus } from './corpus.ts';
import { Finding, fuzz, type Progress } from './engine.ts';
import { TARGETS } from './targets/index.ts';
import { Watchdog } from './watchdog.ts';

const [which, seconds = '60'] = process.argv.slice(2);
const names = which === undefined || which === 'all' ? [...TARGETS.keys()] : [which];
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);

for (const name of names) await fuzzTarget(name, Number(seconds));

async function fuzzTarget(name: string, seconds: number): Promise<void> {
  const target = TARGETS.get(name);
  if (target === undefined || !(seconds > 0)) {
    say(`usage: script/fuzz [all|${[...TARGETS.keys()].join('|')}] [SECONDS FOR EACH]`);
    process.exit(2);
  }
  say(`${name}: ${seconds} s, seed ${seed}`);
  const coverage = new Coverage(isUnderTest);
  const watchdog = new Watchdog(name);
  const end = Date.now() + seconds * 1000;
  let shown = 0;
  const report = (progress: Progress): void => {
    if (Date.now() - shown < 5000) return;
    shown = Date.now();
    say(`${name}: ${sentence(progress)}`);
  };
  try {
    const progress = await fuzz(target, {
      coverage,
      corpus: [...readCorpus(name).values()],
      seed,
      until: () => Date.now() >= end,
      onBegin: (input) => watchdog.begin(input),
      onInput: (input) => addToCorpus(name, input),
      onProgress: report,
    });
    coverage.close();
    await watchdog.close();
    const fresh = new Coverage(isUnderTest);
    await minimizeCorpus(name, target, fresh);
    fresh.close();
    say(`${name}: nothing found; ${sentence(progress)}; ${readCorpus(name).size} files kept`);
  } catch (error) {
    if (!(error instanceof Finding)) throw error;
    say(`${name}: ${error.message}\n${addToCorpus(name, error.input, 'finding-')}`);
    say(inspect(error.cause));
    process.exit(1);
  }
}

function isUnderTest(url: string): boolean {
  return url.includes('/packages/tuf/src/');
}

function sentence({ executions, inputs, characters }: Progress): string {
  return `${executions} executions, ${inputs} inputs, ${characters} characters of source reached`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
