/** Somebody who can sign in. Changing a field changes the tokens issued from then on, also by a refresh. */
export interface TestUser {
  email: string;
  planType: string;
  accountId: string;
  chatgptUserId: string;
  organizationId: string;
  isFedramp: boolean;
  /** Goes before the server's own setting. */
  accessTokenLifetimeSeconds?: number;
}

/**
 * Creates a user: me@example.com on plan "pro" where nothing else is said. Give each user of one server another
 * e-mail or another account.
 */
export function createTestUser(differences: Partial<TestUser> = {}): TestUser {
  return {
    email: "me@example.com",
    planType: "pro",
    accountId: "acct-fake-0001",
    chatgptUserId: "user-fake-1",
    organizationId: "org-fake",
    isFedramp: false,
    ...differences,
  };
}

/** What names a user on the pages and in their forms: one e-mail may have several accounts. */
export function userLabel(user: TestUser): string {
  return `${user.email} (${user.accountId})`;
}
