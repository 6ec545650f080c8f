export { block, drip, endless, flipByte, Recorder, replaceBody, serve } from './attacks.ts';
export { type Answer, type Attack, EvilMirror } from './evil-mirror.ts';
export { forgeFreeze, forgeRelease, type Release, type StolenKeys } from './forgery.ts';
export { atRisk, type Population, type Protection, PYPI_2014, PYPI_2024 } from './risk.ts';
export { stealAndForge, stealAndReplay, type Theft } from './steal-and-forge.ts';
export { BACKDROPS, type Backdrop, forge, forgedReleases, type Lever, LEVERS } from './thief/forge.ts';
export { type Loot, type Share, Thief } from './thief/thief.ts';
export { KEY_ROLES, type KeyRole, type Keys, type KeySet, makeKeys, publicKeys, roleKeysOf } from './world/keys.ts';
export {
  type OfferedFile,
  projectOfStanding,
  signProject,
  type Standing,
  STANDINGS,
} from './world/projects.ts';
export { type Listing, Publication, type PublicationParts, type SignedRole, type Top } from './world/publication.ts';
export { LIFETIMES, type Moment } from './world/maker.ts';
export { World } from './world/world.ts';
