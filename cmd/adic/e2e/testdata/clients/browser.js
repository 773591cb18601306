// Runs an application script in a page of Chromium:
//
//   node browser.js PAGE SCRIPT ARGUMENTS
//
// What the application emits is printed as one line of JSON each, and so is
// every error on the page's console. The browser is closed when standard input
// ends or a signal comes, so that it does not outlive the test.
const fs = require('node:fs');
const { chromium } = require('playwright-core');

const print = (message) => process.stdout.write(JSON.stringify(message) + '\n');

async function main([page, script, args]) {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox', // which root cannot use
      '--disable-gpu',
      '--disable-quic',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
  browser.on('disconnected', () => process.stdin.destroy()); // the last thing that keeps Node.js
  process.stdin.on('end', () => browser.close()).resume();

  const tab = await browser.newPage();
  tab.on('console', (message) => {
    if (message.type() === 'error') print({ type: 'ConsoleError', text: `${message.text()} (${message.location().url})` });
  });
  tab.on('pageerror', (error) => print({ type: 'ConsoleError', text: String(error) }));
  await tab.exposeFunction('emitMessage', print);
  await tab.addInitScript(`
    ${fs.readFileSync(script, 'utf8')}
    addEventListener('load', () => follow(${args}, emitMessage));
  `);
  await tab.goto(page);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
