import Foundation
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudyTheory

/// Audits of students against their teachers: of files from anywhere, and of the stored runs of a study.
public struct StudentAudits: Sendable {
  /// An audit, and the smaller student that it found.
  public struct Entry: Sendable {
    public var title: String
    public var record: AuditRecord
    /// nil where merging is not defined.
    public var merged: Network?
  }

  public var options: AuditOptions

  public init(options: AuditOptions = AuditOptions()) { self.options = options }

  /// Audits a student from a file.
  ///
  /// - Throws: ``ExperimentError`` for files that cannot be read, and shapes that do not fit; it names the file.
  public func audit(
    teacherPath: String, studentPath: String, inputsPath: String, activation: Activation
  ) throws(ExperimentError) -> Entry {
    let networks = try FilePair(teacherPath: teacherPath, studentPath: studentPath, activation: activation)
    let inputs = try readSamples(inputsPath)
    return try entry(
      of: networks.student, learning: networks.teacher, over: inputs, title: studentPath,
      names: (studentPath, teacherPath, inputsPath))
  }

  /// Audits the final student of a stored run, over the training inputs of its last epoch, as they were
  /// drawn: an audit augments them itself.
  public func audit(_ run: Run, in store: ResultsStore) throws(ExperimentError) -> Entry {
    let stored = try StoredStudent(run, in: store)
    let title = "\(store.study.label(of: run.setting)), seed \(run.seed)"
    return try entry(
      of: stored.student, learning: stored.teacher, over: stored.inputs, title: title, names: stored.names)
  }

  private func entry(
    of student: Student, learning teacher: Teacher, over inputs: Matrix, title: String,
    names: (student: String, teacher: String, inputs: String)
  ) throws(ExperimentError) -> Entry {
    // What is said of the inputs alone names them.
    _ = try ExperimentError.catching(names.inputs) { () throws(ShapeError) in
      try teacher.network.checkWidth(of: inputs)
      return try diagnosis(of: inputs)
    }
    let audit = try ExperimentError.catching(names.student) { () throws(ShapeError) in
      var audit = try UnderstudyTheory.audit(of: student, learning: teacher, over: inputs, options: options)
      if audit.merged != nil {
        let merged = try compacted(
          student, over: inputs, targets: try teacher.network.outputs(for: inputs), allowedChange: options.allowedChange
        )
        try audit.setMerged(merged, of: student, learning: teacher, over: inputs)
      }
      return audit
    }
    return Entry(
      title: title,
      record: AuditRecord(
        audit, teacherName: names.teacher, studentName: names.student, inputsName: names.inputs),
      merged: audit.merged?.student.network)
  }
}
