/** The least that a Worker in front of an origin can do. What it costs is the price of `wrangler dev`, not of the edge. */
const worker = {
  async fetch(request: Request, env: { readonly ORIGIN: string }): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname === '/at-once') {
      await request.arrayBuffer();
      return Response.json({});
    }
    return await fetch(new Request(new URL(url.pathname, env.ORIGIN), request));
  },
};

// biome-ignore lint/style/noDefaultExport: workerd looks for it
export default worker;
