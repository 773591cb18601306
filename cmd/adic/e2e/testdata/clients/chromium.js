// Chromium for the scripts beside this one. It is closed when standard input ends or
// a signal comes, so that it does not outlive the test.
const { chromium } = require('playwright-core');

const print = (message) => process.stdout.write(JSON.stringify(message) + '\n');

async function launch() {
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
  process.stdin.on('end', () => browser.close());
  return browser;
}

// Opens a page that prints every error on its console as a line of JSON.
async function newPage(browser, options) {
  const page = await browser.newPage(options);
  page.on('console', (message) => {
    const { url } = message.location();
    if (message.type() !== 'error' || url.endsWith('/favicon.ico')) return; // Chromium asks for one unasked
    print({ type: 'ConsoleError', text: `${message.text()} (${url})` });
  });
  page.on('pageerror', (error) => print({ type: 'ConsoleError', text: String(error) }));
  return page;
}

function run(main) {
  main(process.argv.slice(2)).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

module.exports = { launch, newPage, print, run };
