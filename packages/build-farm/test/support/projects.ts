import { mkdir, readFile, readdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { runTool } from '../../../index/test/support/tools.ts';
import { type Distribution, type Entry, makeTar } from '../../../index/test/support/wheel.ts';

const TOOLS = join(import.meta.dirname, '../../../../.tools');
/** The Python that builds. */
export const PYTHON = join(TOOLS, 'venv/bin/python');

/** A wheel of a real build backend, as script/setup brought it. */
export async function backendWheel(name: 'setuptools' | 'flit_core'): Promise<Distribution> {
  const directory = join(TOOLS, 'build-backends');
  const filename = (await readdir(directory)).find((each) => each.startsWith(`${name}-`)) ?? '';
  return { filename, bytes: await readFile(join(directory, filename)) };
}

/** A small project of files, made into an sdist by the real build and its own backend. */
export async function realSdist(
  directory: string,
  files: Readonly<Record<string, string>>,
  time = new Date('2026-02-03T04:05:06Z'),
): Promise<Distribution> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
    await utimes(join(directory, path), time, time);
  }
  const { status, output } = await runTool('python', ['-m', 'build', '--sdist', '--no-isolation', '--outdir', 'dist'], {
    cwd: directory,
    env: { SOURCE_DATE_EPOCH: String(time.getTime() / 1000) },
  });
  if (status !== 0) throw new Error(output);
  const [filename = ''] = await readdir(join(directory, 'dist'));
  return { filename, bytes: await readFile(join(directory, 'dist', filename)) };
}

export const flitProject = (name: string, version: string): Record<string, string> => ({
  'pyproject.toml': `[build-system]
requires = ["flit_core>=3.12"]
build-backend = "flit_core.buildapi"

[project]
name = "${name}"
version = "${version}"
description = "A small project"
requires-python = ">=3.9"
`,
  [`${name}.py`]: `"""A small project."""\n\ndef answer():\n    return "${name} ${version}"\n`,
});

export const setuptoolsProject = (name: string, version: string): Record<string, string> => ({
  'pyproject.toml': `[build-system]
requires = ["setuptools>=80"]
build-backend = "setuptools.build_meta"

[project]
name = "${name}"
version = "${version}"
description = "A project with data and a script"
requires-python = ">=3.9"

[project.scripts]
${name}-says = "${name}:main"

[tool.setuptools.package-data]
"*" = ["*.txt"]
`,
  [`src/${name}/__init__.py`]: 'from .part import main\n',
  [`src/${name}/part.py`]: `def main():\n    print("${name} ${version}")\n`,
  [`src/${name}/data.txt`]: 'data\n',
});

/** An sdist with a backend of its own, which a test writes: the body of `build_wheel(out)` in Python. */
export function ownBackend(
  body: string,
  {
    name = 'hostile',
    version = '1.0',
    requires = [] as readonly string[],
    more = [] as readonly Entry[],
    head = '',
  } = {},
): Distribution {
  const stem = `${name}-${version}`;
  const lines = body.split('\n').map((line) => `    ${line}`);
  const backend = [
    'import os, socket, subprocess, sys, time, zipfile',
    head,
    SOUND_WHEEL.replaceAll('NAME', name).replaceAll('VERSION', version),
    'def build_wheel(out, config_settings=None, metadata_directory=None):',
    ...lines,
    '',
  ];
  const pyproject = `[build-system]\nrequires = ${JSON.stringify(requires)}\nbuild-backend = "backend"\nbackend-path = ["."]\n`;
  const entries: Entry[] = [
    [`${stem}/PKG-INFO`, `Metadata-Version: 2.2\nName: ${name}\nVersion: ${version}\nSummary: Small\n`],
    [`${stem}/pyproject.toml`, pyproject],
    [`${stem}/backend.py`, backend.join('\n')],
    ...more,
  ];
  return { filename: `${stem}.tar.gz`, bytes: gzipSync(makeTar(entries)) };
}

const SOUND_WHEEL = `
def sound(out, text="", name="NAME", version="VERSION", summary="Small", requires=""):
    stem = "%s-%s" % (name, version)
    files = {
        "NAME.py": text,
        stem + ".dist-info/METADATA": "Metadata-Version: 2.2\\nName: %s\\nVersion: %s\\nSummary: %s\\n%s" % (name, version, summary, requires),
        stem + ".dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: own\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    files[stem + ".dist-info/RECORD"] = "".join("%s,,\\n" % path for path in [*files, stem + ".dist-info/RECORD"])
    filename = stem + "-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(out, filename), "w") as wheel:
        for path, content in files.items():
            info = zipfile.ZipInfo(path)
            info.external_attr = 0o100644 << 16
            wheel.writestr(info, content)
    return filename
`;
