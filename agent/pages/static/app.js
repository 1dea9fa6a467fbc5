// The address that pages and scripts know. Whatever version it is asked for with, what works is loaded once.
export * from "./core.js";
