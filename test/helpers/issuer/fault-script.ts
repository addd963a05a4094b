import type { EndpointName, FaultyEndpointName } from "./endpoint.js";
import { applyFault, type Commit, type Delivery, type Fault } from "./faults.js";
import type { RecordedRequest } from "./requests.js";

/** A request that is being held back. */
export interface Hold {
  /** Settles when the request is there (with `afterCommit`: carried out). */
  readonly arrived: Promise<RecordedRequest>;
  /** Lets the request go on, into a fault where one is given. May be called before the request arrives. */
  release(fault?: Fault): void;
}

/** What is scripted for one request. */
export interface Step {
  /** The connection is reset without reading the body. */
  readonly isResetUnread: boolean;
  play(request: RecordedRequest, commit: Commit): Promise<Delivery>;
}

/** The faults and holds that wait for requests, first come first served per endpoint. */
export class FaultScript {
  readonly #steps = new Map<EndpointName, Step[]>();

  failNext(endpoint: FaultyEndpointName, fault: Fault, times: number): void {
    const isResetUnread = fault.kind === "reset" && fault.afterCommit !== true;
    for (let count = 0; count < times; count += 1) {
      this.#add(endpoint, { isResetUnread, play: (_request, commit) => applyFault(fault, commit) });
    }
  }

  hold(endpoint: FaultyEndpointName, { afterCommit = false }: { afterCommit?: boolean }): Hold {
    const arrival = createDeferred<RecordedRequest>();
    const released = createDeferred<Fault | undefined>();
    const play = async (request: RecordedRequest, commit: Commit): Promise<Delivery> => {
      const early = afterCommit ? commit() : undefined;
      arrival.resolve(request);
      const fault = await released.promise;
      const late: Commit = (asUser) => early ?? commit(asUser);
      return fault === undefined ? { kind: "whole", answer: late() } : applyFault(fault, late);
    };
    this.#add(endpoint, { isResetUnread: false, play });
    return { arrived: arrival.promise, release: (fault) => released.resolve(fault) };
  }

  /** Takes the step that the next request to this endpoint meets. */
  take(endpoint: EndpointName | undefined): Step | undefined {
    return endpoint === undefined ? undefined : this.#steps.get(endpoint)?.shift();
  }

  /** Forgets every step that no request has met yet. */
  clear(): void {
    this.#steps.clear();
  }

  #add(endpoint: EndpointName, step: Step): void {
    this.#steps.set(endpoint, [...(this.#steps.get(endpoint) ?? []), step]);
  }
}

function createDeferred<T>(): { promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve: (value) => resolve(value) };
}
