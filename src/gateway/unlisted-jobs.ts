// Jobs where one session stands for several conversations that nothing tells apart: each job belongs to whoever can name it,
// and nothing names it to anybody else.
import { AppError } from '../base/errors.ts';
import type { Jobs } from './jobs.ts';

export function unlistedJobs(jobs: Jobs): Jobs {
  return {
    ...jobs,
    get runningCount() {
      return jobs.runningCount;
    },
    start(job) {
      try {
        return jobs.start(job);
      } catch (error) {
        // Its hint names those that run.
        if (error instanceof AppError && error.code === 'JOB_LIMIT') throw tooMany(error);
        throw error;
      }
    },
    list() {
      throw new AppError({
        code: 'BAD_ARGUMENT',
        message:
          'Jobs are not listed here: nothing tells the conversations of this program apart, and they may be of another.',
        hint: 'Give the jobId that gateway_invoke_async answered with. A program that sends the header Mcp-Client-Key, another one for each conversation, has a list for each.',
      });
    },
  };
}

function tooMany({ code, message }: AppError): AppError {
  return new AppError({
    code,
    message,
    hint: 'All conversations of this program share that limit. Wait, or cancel one that you started by its jobId.',
  });
}
