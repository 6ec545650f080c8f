import { styleText } from 'node:util';

/** How the demo talks: a heading for each step, the commands as a user would type them, and what they printed. */

const bold = (text: string): string => styleText('bold', text, { stream: process.stdout });
const dim = (text: string): string => styleText('dim', text, { stream: process.stdout });

let step = 0;

export function heading(title: string): void {
  step++;
  console.log(`\n${bold(`${step}. ${title}`)}`);
}

export function say(text: string): void {
  console.log(`   ${text}`);
}

/** A command line as a user would type it. */
export function shown(command: readonly string[]): void {
  console.log(`   ${styleText('cyan', `$ ${command.join(' ')}`, { stream: process.stdout })}`);
}

/** Lines that a command printed, indented. */
export function quoted(output: string, most = 12): void {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const hidden = lines.length - most;
  for (const line of lines.slice(-most)) console.log(`   ${dim('│')} ${line}`);
  if (hidden > 0) console.log(`   ${dim(`  (${hidden} lines before)`)}`);
}

export function good(text: string): void {
  console.log(`   ${styleText('green', '✓', { stream: process.stdout })} ${text}`);
}
