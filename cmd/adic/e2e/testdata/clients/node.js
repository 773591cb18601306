// Runs an application script in Node.js, with the classes of the npm packages ws
// and eventsource in the place of the browser's:
//
//   node node.js SCRIPT ARGUMENTS
//
// What the application emits is printed as one line of JSON each. Node.js goes
// on until standard input ends, even when nothing is left to wait for.
const fs = require('node:fs');
const vm = require('node:vm');

globalThis.WebSocket = require('ws').WebSocket;
globalThis.EventSource = require('eventsource').EventSource;
process.stdin.on('end', () => process.exit()).resume();
console.log = console.error; // standard output is for what is emitted

const [script, args] = process.argv.slice(2);
vm.runInThisContext(fs.readFileSync(script, 'utf8'), { filename: script });
follow(JSON.parse(args), (message) => process.stdout.write(JSON.stringify(message) + '\n'));
