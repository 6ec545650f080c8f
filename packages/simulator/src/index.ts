export { block, drip, endless, flipByte, Recorder, replaceBody, serve } from './attacks.ts';
export { type Answer, type Attack, EvilMirror } from './evil-mirror.ts';
export { forgeFreeze, forgeRelease, type Release, type StolenKeys } from './forgery.ts';
