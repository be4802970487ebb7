/** The server that is measured runs alone on this core; what loads it and what stands behind it share the other. */
export const SERVER_CORE = '0';
export const LOAD_CORE = '1';
