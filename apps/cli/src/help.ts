/** What stands below the flags in `--help`: examples first, since they are read first. */

const BOOLEANS =
  'A flag without a value is turned off by --no-NAME, for example where a configuration file turns it on.';

export const PROGRAM_HELP = `
Examples:
  millrace up --embedded                        try it on this machine alone
  millrace keygen --out key                     make an access key
  millrace node --key-file key                  run a node, where the network is open
  millrace relay --node URL --token-file token  run a relay in front of it
  millrace up --key-file key --relay URL,token-file=token
                                                run the proxies, where your programs are
  millrace doctor --config millrace.json        find out what is wrong
  millrace bench --live --config millrace.json  find out how fast it is

Exit codes:
EXIT_CODES

\`millrace help COMMAND\` lists the flags of a command.
`;

export const UP_HELP = `
Examples:
  millrace up --embedded
      Node, relay and proxies in one process: SOCKS5 on 127.0.0.1:1080, HTTP on 127.0.0.1:8080.
      With --allow-private, targets on this machine and its networks are reached too.
  millrace up --embedded --faults faults.json
      The same through a relay that is as slow and bad as the file says.
  millrace up --key-file key --relay https://relay.example.org,token-file=token
      Through a Millrace relay.
  millrace up --key-file key --relay https://node.example.org:8700,kind=node
      Straight to a node.
  millrace up --relay 'https://script.example.org/exec,kind=script,token-file=token,account=a'
      Through a script that checks a key of its own. Relays of one account share its quota.
  millrace up --config millrace.json --forward 8022=example.org:22 --socks 127.0.0.1:0
      Options from a file; flags win over it. Port 0 picks a free one.

${BOOLEANS}
`;

export const NODE_HELP = `
Examples:
  millrace keygen --out key && millrace node --key-file key
      On 127.0.0.1:8700, for a relay or web server on the same machine.
  MILLRACE_KEY=… millrace node --listen 0.0.0.0:8700 --tls-cert-file cert.pem --tls-key-file key.pem
      Open to the network, with HTTPS.
  millrace node --key-file key --deny-ports 25,587 --allow-names .example.org
      With a narrower egress policy.

SIGTERM and Ctrl-C drain: no new streams, running ones get --drain seconds. A second one stops at once.
${BOOLEANS}
`;

export const RELAY_HELP = `
Examples:
  millrace keygen --out token
  millrace relay --node http://127.0.0.1:8700 --token-file token --listen 0.0.0.0:8800
      A relay that forwards to its one node.
  millrace relay --node http://127.0.0.1:8700 --token-file token --faults faults.json
      A relay that is as slow and bad as the file says, to try things out; docs/CLI.md lists what it may say.
  millrace relay --node https://node.example.org --token-file token --apps-script --out relay.gs
      The same as a file for Apps Script, with address and token filled in.

${BOOLEANS}
`;

export const DOCTOR_HELP = `
Examples:
  millrace doctor --config millrace.json
  millrace doctor --key-file key --relay URL,token-file=token --target example.org:443
      Also dials a target through each relay.
  millrace doctor --config millrace.json --ipv6-target '[2001:db8::1]:443'
      Also looks whether the node has IPv6, by an address that you know to answer.
  millrace doctor --embedded
      What a set-up without faults looks like.

It takes the flags of \`millrace up\`. The exit code is 1 if a check failed; warnings count with --strict.
${BOOLEANS}
`;

export const BENCH_HELP = `
Examples:
  millrace bench --live --config millrace.json
      Latency of each relay of your set-up.
  millrace bench --live millrace.json --download https://example.org/file --upload https://example.org/take
      Throughput each way too. The download is any page or file, read up to --bytes; the upload is posted there, so use an
      address of yours that takes it.
  millrace bench --live --key-file key --relay URL,token-file=token --bytes 1048576 --json report.json
      Without a file, with at most 1 MiB each way, and with a report for programs.

It is polite: one relay after the other, one thing at a time, --bytes each way at most; a relay is given up after --requests
or --seconds. It says what that comes to before it starts.
It takes the flags of \`millrace up\`, without its proxies. The exit code is 1 if a relay or a part of it failed.
${BOOLEANS}
`;

export const KEYGEN_HELP = `
Examples:
  millrace keygen --out key    256 bits, in a new file of mode 0600
  millrace keygen              the same on standard output
`;

export const CONFIG_HELP = `
Examples:
  millrace config check millrace.json
  millrace config schema > millrace.schema.json
      For an editor: put "$schema": "./millrace.schema.json" first in the configuration file.
`;
