{
  # Lies here and not in the package's root so that no package manager builds anything by itself.
  'variables': {
    'sanitize%': 0,
    'with_test%': 0,
    'sources_of_both': ['addon.cc', 'glue.cc', 'aead.cc', 'evp.cc', 'fec.cc', 'rs.cc', 'rs_x86.cc', 'socket.cc', 'poll.cc', 'calls.cc'],
  },
  'target_defaults': {
    'defines': ['NAPI_VERSION=8'],
    'cflags': ['-O3', '-Wall', '-Wextra', '-fvisibility=hidden', '-fno-exceptions', '-fno-rtti'],
    'cflags_cc': ['-std=c++17'],
    'xcode_settings': {
      'CLANG_CXX_LANGUAGE_STANDARD': 'c++17',
      'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
      'GCC_OPTIMIZATION_LEVEL': '3',
      'MACOSX_DEPLOYMENT_TARGET': '11.0',
    },
    'conditions': [
      ['OS=="linux"', {'sources': ['linux.cc'], 'ldflags': ['-Wl,--as-needed', '-static-libgcc', '-Wl,-z,now']}],
      ['OS=="mac"', {'sources': ['darwin.cc']}],
      ['sanitize==1', {
        'cflags': ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer'],
        'ldflags': ['-fsanitize=address,undefined'],
        'ldflags!': ['-static-libgcc'],
      }],
    ],
  },
  'targets': [
    {
      'target_name': 'udp_native',
      'sources': ['<@(sources_of_both)'],
    },
  ],
  'conditions': [
    # The same code with its table of system calls open to tests; never packed.
    ['with_test==1', {
      'targets': [
        # The I/O file of macOS, compiled and linked to nothing, with the headers of Linux in place of its own.
        {
          'target_name': 'darwin_check',
          'type': 'static_library',
          'cflags': ['-U__linux__'],
          'sources!': ['linux.cc'],
          'sources': ['darwin.cc'],
        },
        {
          'target_name': 'udp_native_test',
          'defines': ['MILLRACE_TEST_CALLS'],
          'sources': ['<@(sources_of_both)', 'test/fake_calls.cc'],
        },
      ],
    }],
  ],
}
