import { normalizeName, type ProjectName } from '@holdfast/python-index';

const FIRST =
  'py data open fast micro auto cloud deep easy flex graph hyper json kube lazy meta multi neo nano async mini geo bio text web tiny smart quick task test time tree type user video vector yaml zero api app audio aws azure base batch bit block bot cache chat code config core craft dash db dev disk django dns doc edge event file flask form game git grid hash home http image index key lab link log mail map math media mesh model net node note'.split(
    ' ',
  );
const SECOND =
  'client tools utils sdk parser server core api manager helper wrapper plugin cli engine kit lib framework builder generator runner loader reader writer service proxy cache monitor logger analyzer tracker scanner validator converter exporter importer adapter bridge connector driver editor extractor finder formatter handler hub inspector interface launcher library linter listener mapper matcher mixer models module notifier optimizer packer pipeline planner player pool processor profiler provider publisher queue registry renderer reporter resolver router sampler scheduler schema scraper search sender signer simulator solver sorter source sync tagger template tester trainer translator uploader viewer watcher worker'.split(
    ' ',
  );
const THIRD =
  'x io ng lite pro plus async django flask rs cpp js ai ml db cli gui web aws gcp azure k8s s3 v2 next max py dev labs team hub one two go es en de fr jp cn us eu uk edu org net app box bot cam cap car cat cell chem chip city clip coin cube cut day desk dns dot draw dust echo edge epic eye fair farm fern fire fit flow fly fog fox'.split(
    ' ',
  );

/** Different for every number below about 0.8 million: `data-parser`, `open-client-rs`. About 16 characters, as on PyPI. */
export function projectName(number: number): ProjectName {
  // A step that shares no divisor with the number of pairs visits each once, and neighbours look unlike.
  const pairs = FIRST.length * SECOND.length;
  const pair = (number * 3_571) % pairs;
  const first = FIRST[pair % FIRST.length] ?? '';
  const second = SECOND[Math.floor(pair / FIRST.length)] ?? '';
  const turn = Math.floor(number / pairs);
  const third = turn === 0 ? '' : `-${THIRD[(turn - 1) % THIRD.length]}`;
  const again = turn > THIRD.length ? String(Math.floor((turn - 1) / THIRD.length)) : '';
  return normalizeName(`${first}-${second}${third}${again}`);
}
