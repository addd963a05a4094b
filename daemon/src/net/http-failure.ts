/** A request without a usable response. The message names the host, and never more of the URL. */
export class HttpFailure extends Error {
  override readonly name = "HttpFailure";
  /**
   * False: certainly nothing of the request reached the server (name resolution, proxy, connection or TLS handshake
   * failed), so that it may be sent again. True: it was sent, or may have been.
   */
  readonly wasSent: boolean;

  constructor(message: string, wasSent: boolean) {
    super(message);
    this.wasSent = wasSent;
  }
}
