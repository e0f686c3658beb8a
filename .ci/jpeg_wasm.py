"""Build nb_helpers/export/web/jpeg.wasm from jpeg.c beside it and libjpeg-turbo: `python .ci/jpeg_wasm.py` says whether the file that is kept is
the one that comes of it; with --write it is kept (two minutes; network; zig, from PyPI's package ziglang, is installed into a temporary folder).
"""
import hashlib, io, subprocess, sys, tarfile, tempfile, urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from project import ROOT

VERSION, ZIG = '3.1.4.1', 'ziglang==0.17.1'
URL = f'https://github.com/libjpeg-turbo/libjpeg-turbo/releases/download/{VERSION}/libjpeg-turbo-{VERSION}.tar.gz'
WEB = ROOT/'nb_helpers'/'export'/'web'
CONFIG = {'jconfig.h': f'''#define JPEG_LIB_VERSION 62
#define LIBJPEG_TURBO_VERSION {VERSION}
#define LIBJPEG_TURBO_VERSION_NUMBER 3001004
#define D_ARITH_CODING_SUPPORTED 1
#define MEM_SRCDST_SUPPORTED 1
#ifndef BITS_IN_JSAMPLE
#define BITS_IN_JSAMPLE 8
#endif
''', 'jconfigint.h': f'''#define BUILD "wasm"
#define HIDDEN
#undef inline
#define INLINE inline __attribute__((always_inline))
#define THREAD_LOCAL
#define PACKAGE_NAME "libjpeg-turbo"
#define VERSION "{VERSION}"
#define SIZEOF_SIZE_T 4
#define HAVE_BUILTIN_CTZL 1
#define FALLTHROUGH __attribute__((fallthrough));
#ifndef BITS_IN_JSAMPLE
#define BITS_IN_JSAMPLE 8
#endif
#if BITS_IN_JSAMPLE == 8
#define D_ARITH_CODING_SUPPORTED 1
#endif
'''}
PLAIN = ('jcomapi jdapimin jdatasrc jdhuff jdicc jdinput jdmarker jdmaster jdphuff jdarith jaricom jdlhuff jerror jmemmgr jmemnobs '
         'jpeg_nbits').split()
FLAGS = '-target wasm32-wasi -O3 -flto -msimd128 -mbulk-memory -DNO_GETENV -Wno-everything'.split()
LINK = ('-mexec-model=reactor -Wl,--gc-sections -Wl,--strip-all -Wl,--export=take -Wl,--export=warning -Wl,--export=header -Wl,--export=pixels '
        '-Wl,-z,stack-size=524288 -Wl,--initial-memory=4194304 -Wl,--max-memory=2147483648').split()


def sh(*cmd): subprocess.run([*map(str, cmd)], check=True)


def build(work, source=None):
    "The bytes of jpeg.wasm; `source`: libjpeg-turbo's archive or its unpacked folder, fetched by default"
    if source and Path(source).is_dir(): top = Path(source)
    else:
        data = Path(source).read_bytes() if source else urllib.request.urlopen(URL, timeout=60).read()
        with tarfile.open(fileobj=io.BytesIO(data)) as t: t.extractall(work, filter='data')
        top = work/f'libjpeg-turbo-{VERSION}'
    sh(sys.executable, '-m', 'venv', work/'zig')
    sh(work/'zig'/'bin'/'python', '-m', 'pip', 'install', '-q', ZIG)
    for name, text in CONFIG.items(): (work/name).write_text(text)
    (work/'jversion.h').write_text((top/'src'/'jversion.h.in').read_text().replace('@COPYRIGHT_YEAR@', '1991-2026'))
    src = top/'src'
    files = [src/f'{n}.c' for n in PLAIN] + [f for p in ('jd*-8', 'jd*-12', 'jd*-16', 'jidct*', 'jquant*', 'jutils-*')
                                             for f in sorted((src/'wrapper').glob(f'{p}.c'))] + [WEB/'jpeg.c']
    cc = [work/'zig'/'bin'/'python', '-m', 'ziglang', 'cc', *FLAGS]
    one = lambda f: sh(*cc, f'-I{work}', f'-I{src}', '-c', f, '-o', work/f'{f.stem}.o')
    with ThreadPoolExecutor(2) as pool: list(pool.map(one, files))
    sh(*cc, *LINK, *(work/f'{f.stem}.o' for f in files), '-o', work/'jpeg.wasm')
    return (work/'jpeg.wasm').read_bytes()


if __name__ == '__main__':
    given = [a for a in sys.argv[1:] if not a.startswith('-')]
    with tempfile.TemporaryDirectory() as d: new = build(Path(d), *given)
    kept = WEB/'jpeg.wasm'
    same = kept.exists() and kept.read_bytes() == new
    print(f'{len(new):,} bytes, SHA-256 {hashlib.sha256(new).hexdigest()}:', 'the file that is kept' if same else 'another file than the one kept')
    if '--write' in sys.argv: kept.write_bytes(new)
    sys.exit(not same and '--write' not in sys.argv)
