/**
 * What everybody sees who does not show the token, and whatever is not a POST: the page of a web server that has nothing
 * here. It is the same for all of them.
 */
export const NOT_FOUND_PAGE =
  '<!DOCTYPE html><html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>\n';
