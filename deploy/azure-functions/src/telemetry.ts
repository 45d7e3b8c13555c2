/**
 * Sends traces and metrics to Azure Monitor when the function app has a connection string and the optional package
 * `@azure/monitor-opentelemetry` is installed; otherwise nothing happens.
 */
if (process.env.APPLICATIONINSIGHTS_CONNECTION_STRING) {
  const name = "@azure/monitor-opentelemetry";
  try {
    const { useAzureMonitor } = (await import(name)) as { useAzureMonitor: () => void };
    useAzureMonitor();
  } catch (error) {
    if ((error as { code?: string }).code !== "ERR_MODULE_NOT_FOUND") throw error;
    console.warn(`APPLICATIONINSIGHTS_CONNECTION_STRING is set, but ${name} is not installed.`);
  }
}

export {};
