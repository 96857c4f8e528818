const EXIT_STATUS = { SIGINT: 130, SIGTERM: 143 } as const;

let received: keyof typeof EXIT_STATUS | undefined;

/** Aborted by the first SIGINT or SIGTERM, so that the work ends between two steps; the second ends the process. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (received !== undefined) process.exit(EXIT_STATUS[name]);
      received = name;
      process.stderr.write('\nStopping after this step.\n');
      controller.abort();
    });
  }
  return controller.signal;
}

/** Exit status of the signal that stopped the work, if one did. */
export function signalStatus(): number | undefined {
  return received && EXIT_STATUS[received];
}
