import type { Command } from '../command.ts';
import { accountCreate, tokenCreate, tokenList, tokenRevoke } from './account.ts';
import { downloadCommand } from './download.ts';
import { init } from './init.ts';
import { proxy } from './proxy.ts';
import { pip, runCommand, uv } from './run.ts';
import { serve } from './serve.ts';
import { trustAdd, trustList, trustRemove } from './trust.ts';
import { verify } from './verify.ts';

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  trustAdd,
  trustList,
  trustRemove,
  pip,
  uv,
  runCommand,
  proxy,
  verify,
  downloadCommand,
  init,
  serve,
  accountCreate,
  tokenCreate,
  tokenList,
  tokenRevoke,
];
