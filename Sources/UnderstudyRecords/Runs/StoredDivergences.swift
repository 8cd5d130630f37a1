import Foundation
import GRDB
import UnderstudySchema

extension Divergence {
  func insert(for run: String, _ db: Database) throws {
    let steps = String(decoding: try JSONEncoder().encode(lastSteps), as: UTF8.self)
    try db.execute(sql: "INSERT INTO divergence VALUES (?, ?, ?, ?)", arguments: [run, step, reason, steps])
  }
}

extension ResultsStore {
  /// Of the diverged runs, by their hashes; none of those that were recorded before it was kept.
  func storedDivergences(_ db: Database) throws -> [String: Divergence] {
    guard try db.tableExists("divergence") else { return [:] }
    var divergences: [String: Divergence] = [:]
    let rows = try Row.fetchCursor(db, sql: "SELECT run, step, reason, last_steps FROM divergence")
    while let row = try rows.next() {
      let steps: String = try row.stored("last_steps")
      divergences[try row.stored("run")] = Divergence(
        step: row.hasNull(atIndex: 1) ? nil : try row.storedCount("step"),
        reason: try row.stored("reason"),
        lastSteps: try JSONDecoder().decode([Divergence.Step].self, from: Data(steps.utf8)))
    }
    return divergences
  }
}
